-- Rollouts are found without reading their plans, which are large.
DROP INDEX rollout_by_release;
CREATE INDEX rollout_by_release ON rollout (release, environment, state, created_at, id);
CREATE INDEX rollout_by_end ON rollout (project, state, environment, finished_at, id);

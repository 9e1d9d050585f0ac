//! `deploy` and `release-deploy`: tags move, services start anew.

use std::path::PathBuf;

use portolan_release::weco::{Applied, ReleaseItem, Tagging, WecoPlan};
use serde_json::Value;

use super::Work;
use super::end::{Done, End};
use super::prepare::NO_DESCRIPTION;
use super::screen::{Cell, Colour, Grid};
use crate::args::compat::weco::{Deploy, Patience, ReleaseDeploy};
use crate::system;

/// What is deployed where, in whose words.
struct Order<'a> {
    release: &'a ReleaseItem,
    environment: &'a str,
    description: &'a str,
}

impl Work<'_> {
    pub(super) async fn deploy(&mut self, told: Deploy) -> Done {
        let asker = &mut self.asker;
        let id = asker.value(told.release_id, "Release ID to deploy", Some("latest"))?;
        let environment = asker.value(
            told.environment_id,
            "Environment ID to deploy release to",
            Some("stage"),
        )?;
        let description = asker.value(
            told.description,
            "Enter a description for this deployment",
            Some(NO_DESCRIPTION),
        )?;
        self.weco.environment(&environment)?;
        let release = self.weco.release(&id).await?;
        let plan = self.plan(&release, &environment).await?;
        let order =
            Order { release: &release, environment: &environment, description: &description };
        self.deployed(&order, plan, None, &told.patience).await
    }

    pub(super) async fn release_deploy(&mut self, told: ReleaseDeploy) -> Done {
        let asker = &mut self.asker;
        let label = asker.value(told.from_label, "Label to base release upon", Some("latest"))?;
        let environment = asker.value(
            told.environment_id,
            "Environment ID to deploy release to",
            Some("stage"),
        )?;
        let description = asker.value(
            told.description,
            "Enter a description for this deployment",
            Some(NO_DESCRIPTION),
        )?;
        self.weco.environment(&environment)?;
        let Some(prepared) = self.prepared(&label, &description).await? else { return Ok(()) };
        // All that can be wrong is found before anything is written.
        let plan = self.plan(&prepared.release, &environment).await?;
        self.made(&prepared, &label).await?;
        let release = &prepared.release;
        let order = Order { release, environment: &environment, description: &description };
        let by = release.requested_by().to_owned();
        self.deployed(&order, plan, Some(by), &told.patience).await
    }

    async fn plan(&self, release: &ReleaseItem, environment: &str) -> Done<WecoPlan> {
        let services = self.weco.services(release, environment).await?;
        Ok(self.weco.plan(release, environment, services).await?)
    }

    async fn deployed(
        &mut self,
        order: &Order<'_>,
        mut plan: WecoPlan,
        by: Option<String>,
        patience: &Patience,
    ) -> Done {
        self.preview(order, &plan)?;
        if self.dry {
            return self.rehearsed(&plan);
        }
        if !self.confirmed {
            self.screen.plain("")?;
            self.asker.go_on("Create deployment?")?;
            // The world may have moved while somebody thought about it.
            plan = self.plan(order.release, order.environment).await?;
        }
        let by = match by {
            Some(by) => by,
            None => self.weco.caller().await?,
        };
        let applied = self.weco.apply(&plan, order.description, &by).await?;
        self.summary(order, &applied)?;
        let started: Vec<_> = applied.rolled.iter().map(|it| it.started.clone()).collect();
        self.follow(order.release.id(), order.environment, &started, patience).await
    }

    fn title(&self, environment: &str) -> Done<String> {
        Ok(format!("{environment} ({})", self.weco.environment(environment)?))
    }

    fn preview(&self, order: &Order<'_>, plan: &WecoPlan) -> Done {
        let (screen, release) = (&self.screen, order.release);
        screen.plain("")?;
        screen.line(Colour::Green, &format!("Deploying release {}", release.id()))?;
        let title = self.title(order.environment)?;
        screen.line(Colour::Yellow, &format!("Targeting env: {title}"))?;
        screen.line(Colour::Yellow, &format!("Requested by: {}", release.requested_by()))?;
        screen.line(Colour::Yellow, &format!("Date created: {}", release.created()))?;
        screen.plain("")?;
        screen.line(Colour::Yellow, "ECS services discovered:")?;
        screen.plain("")?;
        let mut grid = Grid::new(["image ID", "services"]);
        for image in plan.services.by_image.keys() {
            let names = plan.services.names(image).join("\n");
            grid.row([image.as_str().into(), Cell::of(Colour::Green, names)]);
        }
        screen.table(&grid)?;
        for id in &plan.services.missing {
            screen.note(&format!(
                "warning: no service has the tags deployment:service={id} and \
                 deployment:env={}: it is left out",
                order.environment
            ));
        }
        for image in &plan.nothing {
            screen.note(&format!("warning: the release has no image of {image}: it is left out"));
        }
        Ok(())
    }

    fn rehearsed(&self, plan: &WecoPlan) -> Done {
        self.screen.plain("")?;
        let mut grid = Grid::new(["image ID", "tag", "from", "to"]);
        for each in &plan.moves {
            let short = |text: String| text.chars().take("sha256:".len() + 12).collect::<String>();
            let from = each
                .from
                .as_ref()
                .map_or_else(|| "-".to_owned(), |it| short(it.digest.to_string()));
            let to =
                if each.is_needed() { short(each.to.digest.to_string()) } else { "-".to_owned() };
            grid.row([
                each.image.as_str().into(),
                plan.tag.as_str().into(),
                from.into(),
                to.into(),
            ]);
        }
        self.screen.table(&grid)?;
        self.screen.plain("")?;
        let rolls: Vec<&str> = plan.rolls.iter().map(String::as_str).collect();
        let rolls = if rolls.is_empty() { "none".to_owned() } else { rolls.join(", ") };
        self.screen.plain(&format!("Services that would be started anew: {rolls}"))?;
        self.screen.plain("")?;
        self.screen.line(Colour::Cyan, "Dry run: nothing was changed")
    }

    fn summary(&self, order: &Order<'_>, applied: &Applied) -> Done {
        let screen = &self.screen;
        screen.plain("")?;
        screen.line(Colour::Green, "Deployment Summary")?;
        screen.line(Colour::Yellow, &format!("Requested by: {}", applied.requested_by))?;
        screen.line(Colour::Yellow, &format!("Date created: {}", applied.created))?;
        match self.saved(&applied.record) {
            Ok(Some(path)) => {
                screen.line(Colour::Yellow, &format!("Deploy data:  {}", path.display()))?;
            }
            Ok(None) => {}
            Err(error) => screen.note(&format!("warning: no copy of it was kept: {error}")),
        }
        screen.plain("")?;
        let mut grid = Grid::new(["image ID", "summary of changes"]);
        for tag in &applied.tags {
            let deployments = applied.record["details"][&tag.image]["ecs_deployments"].as_array();
            let mut said = Vec::new();
            if tag.status == Tagging::Success {
                said.push("ECR tag updated".to_owned());
            }
            match deployments.map_or(0, Vec::len) {
                0 => {}
                1 => said.push("1 service deployed".to_owned()),
                several => said.push(format!("{several} services deployed")),
            }
            let said = if said.is_empty() { "-".to_owned() } else { said.join(", ") };
            grid.row([tag.image.as_str().into(), said.into()]);
        }
        screen.table(&grid)?;
        screen.plain("")?;
        if let Some(error) = &applied.unrecorded {
            screen.note(&format!("warning: the deployment was not recorded: {error}"));
        }
        if !applied.failed.is_empty() {
            for (id, error) in &applied.failed {
                screen.line(Colour::Red, &format!("{id} was not started anew: {error}"))?;
            }
            let left =
                "The environment is between two releases: deploy again to start those services";
            return Err(End::Failed(left.to_owned()));
        }
        let title = self.title(order.environment)?;
        let done = format!("Deployed release {} to {title}", order.release.id());
        screen.line(Colour::BrightGreen, &done)
    }

    /// Keeps a copy of what was done where the original does: its file. None without a home.
    fn saved(&self, record: &Value) -> std::io::Result<Option<PathBuf>> {
        let Some(home) = self.environment.get("HOME") else { return Ok(None) };
        let folder = PathBuf::from(home).join(".local/share/weco-deploy/deployment_results");
        std::fs::create_dir_all(&folder)?;
        let now = system::now().to_string();
        let moment = now.split('.').next().unwrap_or(&now).replace('T', "_").replace(':', "-");
        let path = folder.join(format!("deploy_{moment}.json"));
        let text = serde_json::to_string_pretty(record)?;
        std::fs::write(&path, text)?;
        Ok(Some(path))
    }
}

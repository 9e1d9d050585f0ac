-- Images are asked for by the beginning of the commit that they were built from.
CREATE INDEX image_by_revision ON image (revision) WHERE revision IS NOT NULL;

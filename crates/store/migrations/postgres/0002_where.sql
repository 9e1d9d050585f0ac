-- Images are asked for by the beginning of the commit that they were built from, in byte order.
ALTER TABLE image ALTER COLUMN revision TYPE TEXT COLLATE "C";
CREATE INDEX image_by_revision ON image (revision) WHERE revision IS NOT NULL;

ALTER TABLE "beings" ADD COLUMN "bytes" integer GENERATED ALWAYS AS (coalesce(octet_length(metadata::text), 0) + coalesce(octet_length(properties::text), 0) + coalesce(octet_length(content::text), 0)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "changes" ADD COLUMN "bytes" integer GENERATED ALWAYS AS (coalesce(octet_length(body::text), 0)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "bytes" integer GENERATED ALWAYS AS (coalesce(octet_length(content::text), 0) + coalesce(octet_length(former::text), 0)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "spaces" ADD COLUMN "removed_by" text;--> statement-breakpoint
CREATE INDEX "beings_by_owner" ON "beings" USING btree ("owner","type") WHERE owner is not null;--> statement-breakpoint
CREATE INDEX "beings_guests_silent" ON "beings" USING btree (greatest(last_seen_at, modified_at)) WHERE type = 'guest' and location is null and rev = 0 and removed_at is null;
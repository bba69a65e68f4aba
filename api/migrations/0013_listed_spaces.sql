DROP INDEX "spaces_public";--> statement-breakpoint
ALTER TABLE "spaces" ADD COLUMN "is_listed" boolean DEFAULT true NOT NULL;--> statement-breakpoint
CREATE INDEX "spaces_listed" ON "spaces" USING btree ("id") WHERE visibility = 'public' and removed_at is null and is_listed;
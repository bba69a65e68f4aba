ALTER TABLE "spaces" ADD COLUMN "posting" text DEFAULT 'everyone' NOT NULL;--> statement-breakpoint
ALTER TABLE "spaces" ADD COLUMN "history_from" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "beings_guests_located" ON "beings" USING btree (greatest(last_seen_at, modified_at)) WHERE type = 'guest' and location is not null;--> statement-breakpoint
CREATE INDEX "changes_with_words" ON "changes" USING btree ("space",(body ->> 'id')) WHERE kind in ('intention.put', 'intention.append');
CREATE TABLE "operator_actions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"operator" text NOT NULL,
	"action" text NOT NULL,
	"target" text NOT NULL,
	"reason" text NOT NULL,
	"outcome" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "operator_actions_at" ON "operator_actions" USING btree ("at","id");--> statement-breakpoint
-- Not CONCURRENTLY: all migrations share one transaction, which allows none of that, so that a database is never left
-- between two releases. Writes to changes and intentions wait while these two are built.
CREATE INDEX "changes_of_beings" ON "changes" USING btree ((body ->> 'id')) WHERE kind = 'being.put';--> statement-breakpoint
CREATE INDEX "intentions_by_owner" ON "intentions" USING btree ("owner","id");
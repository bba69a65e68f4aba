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
CREATE INDEX "changes_of_beings" ON "changes" USING btree ((body ->> 'id')) WHERE kind = 'being.put';--> statement-breakpoint
CREATE INDEX "intentions_by_owner" ON "intentions" USING btree ("owner","id");
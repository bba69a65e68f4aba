CREATE TABLE "lineage" (
	"id" integer PRIMARY KEY NOT NULL,
	"system_id" text NOT NULL,
	"timeline" text NOT NULL,
	"since" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "changes_at" ON "changes" USING brin ("at");--> statement-breakpoint
CREATE INDEX "mutations_at" ON "mutations" USING brin ("at");
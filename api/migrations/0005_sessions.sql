CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"being" text NOT NULL,
	"family" text NOT NULL,
	"secret" text NOT NULL,
	"former" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone NOT NULL,
	"rotated_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "sessions_by_being" ON "sessions" USING btree ("being","last_used_at");--> statement-breakpoint
CREATE INDEX "sessions_ended" ON "sessions" USING btree ("ended_at","id") WHERE ended_at is not null;
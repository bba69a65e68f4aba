CREATE TABLE "invites" (
	"id" uuid PRIMARY KEY NOT NULL,
	"space" text NOT NULL,
	"secret" text NOT NULL,
	"role" text NOT NULL,
	"made_by" text NOT NULL,
	"uses" integer NOT NULL,
	"uses_left" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "invites_by_space" ON "invites" USING btree ("space","created_at");--> statement-breakpoint
CREATE INDEX "invites_by_maker" ON "invites" USING btree ("made_by");--> statement-breakpoint
CREATE INDEX "invites_expiring" ON "invites" USING btree ("expires_at");
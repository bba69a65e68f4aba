CREATE TABLE "beings" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"name" text NOT NULL,
	"owner" text,
	"location" text,
	"metadata" jsonb NOT NULL,
	"properties" jsonb NOT NULL,
	"content" jsonb NOT NULL,
	"rev" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"modified_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone,
	"removed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"space" text NOT NULL,
	"epoch" uuid NOT NULL,
	"version" bigint NOT NULL,
	"kind" text NOT NULL,
	"actor" text NOT NULL,
	"mutation" uuid NOT NULL,
	"body" jsonb NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "changes_space_epoch_version_pk" PRIMARY KEY("space","epoch","version")
);
--> statement-breakpoint
CREATE TABLE "intentions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"state" text NOT NULL,
	"owner" text NOT NULL,
	"location" text NOT NULL,
	"content" jsonb NOT NULL,
	"rev" bigint NOT NULL,
	"position" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"modified_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "members" (
	"space" text NOT NULL,
	"being" text NOT NULL,
	"role" text NOT NULL,
	CONSTRAINT "members_space_being_pk" PRIMARY KEY("space","being")
);
--> statement-breakpoint
CREATE TABLE "mutations" (
	"actor" text NOT NULL,
	"id" uuid NOT NULL,
	"status" text NOT NULL,
	"version" bigint,
	"code" text,
	"message" text,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "mutations_actor_id_pk" PRIMARY KEY("actor","id")
);
--> statement-breakpoint
CREATE TABLE "spaces" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"visibility" text NOT NULL,
	"epoch" uuid NOT NULL,
	"version" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"changed_at" timestamp (3) with time zone NOT NULL,
	"removed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "beings_lately_active" ON "beings" USING btree ("location","modified_at" DESC NULLS FIRST,"id");--> statement-breakpoint
CREATE INDEX "beings_by_location" ON "beings" USING btree ("location","id");--> statement-breakpoint
CREATE UNIQUE INDEX "intentions_by_position" ON "intentions" USING btree ("location","position");--> statement-breakpoint
CREATE INDEX "members_by_being" ON "members" USING btree ("being","space");--> statement-breakpoint
CREATE INDEX "members_owners" ON "members" USING btree ("space","being") WHERE role = 'owner';--> statement-breakpoint
CREATE INDEX "spaces_changed_at" ON "spaces" USING btree ("changed_at");--> statement-breakpoint
CREATE INDEX "spaces_public" ON "spaces" USING btree ("id") WHERE visibility = 'public' and removed_at is null;--> statement-breakpoint
-- Room on each page for the next version of a row: a space's row is rewritten by every commit, and a rewrite that
-- stays on its page and changes no indexed column costs no index entry.
ALTER TABLE "spaces" SET (fillfactor = 50);

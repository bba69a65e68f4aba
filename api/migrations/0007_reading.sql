CREATE TABLE "reads" (
	"being" text NOT NULL,
	"space" text NOT NULL,
	"version" bigint NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "reads_being_space_pk" PRIMARY KEY("being","space")
);
--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "mentions" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX "reads_by_space" ON "reads" USING btree ("space");--> statement-breakpoint
CREATE INDEX "reads_lately" ON "reads" USING btree ("being","at" DESC NULLS FIRST);
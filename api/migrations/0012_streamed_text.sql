ALTER TABLE "intentions" ADD COLUMN "tail" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "next_at" integer;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "content_bytes" integer;
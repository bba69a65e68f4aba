ALTER TABLE "intentions" ADD COLUMN "reply_to" uuid;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "attempt" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "former" jsonb;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "claim_by" text;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "claim_fence" bigint;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "claim_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "lease_ms" integer;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "base" jsonb;--> statement-breakpoint
ALTER TABLE "intentions" ADD COLUMN "chain" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "beings_bots" ON "beings" USING btree ("location","id") WHERE type = 'bot';--> statement-breakpoint
CREATE INDEX "intentions_waiting" ON "intentions" USING btree ("owner","created_at","id") WHERE state = 'draft';--> statement-breakpoint
CREATE INDEX "intentions_claimed" ON "intentions" USING btree ("location","id") WHERE claim_by is not null;
/** `npm run format`: writes every file the way the format check wants it. */
import { spawnSync } from 'node:child_process'
import { repository } from '@rhizom/infra/local/places.ts'
import { formatCheck } from './checks/commands.ts'

const { file, args } = formatCheck(true)
process.exitCode = spawnSync(file, args, { cwd: repository, stdio: 'inherit' }).status ?? 1

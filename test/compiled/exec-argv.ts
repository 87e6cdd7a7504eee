import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const register = join(import.meta.dirname, 'register.js')

/** What Node takes before a TypeScript file, in a process that a test starts in any folder. */
export const execArgv = process.execArgv
  .filter((word) => !word.includes('@tapjs/mock'))
  .map((word) => word.endsWith('/test/compiled/register.js') ? `--import=${pathToFileURL(register)}` : word)

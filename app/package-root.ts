import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder, for the sources and for dist/ alike. */
export const packageRoot = dirname(fileURLToPath(import.meta.resolve('#package.json')))

/** Whether it is a clone, whose files are there to be changed. The package has no configuration of its build. */
export const isClone = existsSync(join(packageRoot, 'tsconfig.build.json'))

/** The suite's own static files. */
export const publicFolder = join(packageRoot, 'public')

/** The suite's own views. */
export const viewsFolder = join(packageRoot, 'views')

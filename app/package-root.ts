import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder, for the sources and for dist/ alike. */
export const packageRoot = dirname(fileURLToPath(import.meta.resolve('#package.json')))

/** The suite's own static files. */
export const publicFolder = join(packageRoot, 'public')

/** The suite's own views. */
export const viewsFolder = join(packageRoot, 'views')

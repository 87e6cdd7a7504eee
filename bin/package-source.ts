import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'

/** What a project's package.json has to say of this package. */
export interface PackageSource {
  /** A range of versions, or `file:` and a path. */
  spec: string
  /** Whether the path is that of a folder, and not of a tarball. */
  isFolder: boolean
  /** A sentence that says where npm takes it from; empty where that is the registry for certain. */
  note: string
}

/**
 * Finds where a project can get this package from: the registry where it was installed from there, else the clone that
 * it is, or the tarball or folder that npm installed it from. A global installation and other package managers do not
 * tell.
 *
 * @param root the package's folder
 * @param project a folder that is there
 */
export function findPackageSource (root: string, project: string): PackageSource {
  const modules = dirname(root)
  if (basename(modules) !== 'node_modules') {
    const spec = specOf(root, project)
    const first = existsSync(join(root, 'dist')) ? '' : '; run npm run build there first'
    return { spec, isFolder: true, note: `npm install copies fastify-quickstart from this clone (${spec})${first}.` }
  }
  const resolved = readOrigin(modules, basename(root))
  const path = resolved?.startsWith('file:') && resolve(dirname(modules), resolved.slice('file:'.length))
  if (!path || !existsSync(path)) {
    const range = `^${readVersion(root)}`
    const note = `npm install takes fastify-quickstart ${range} from the registry. ` +
      'Until it is there, put "file:" and the path of a clone or tarball into package.json.'
    return { spec: range, isFolder: false, note: resolved?.startsWith('http') ? '' : note }
  }
  const spec = specOf(path, project)
  const note = `npm install takes fastify-quickstart from where this one came from (${spec}).`
  return { spec, isFolder: statSync(path).isDirectory(), note }
}

/** The URL that npm installed a package from, or undefined where npm has not written it down. */
function readOrigin (modules: string, name: string): string | undefined {
  try {
    const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as Lock // npm's own
    return lock.packages[`node_modules/${name}`]?.resolved
  } catch {
    return undefined // a global installation, or another package manager
  }
}

interface Lock { packages: Record<string, { resolved?: string } | undefined> }

/** A relative path where there is one: Windows has none from one drive to another. */
function specOf (path: string, project: string): string {
  return `file:${relative(realpathSync(project), realpathSync(path)).replaceAll('\\', '/')}`
}

function readVersion (root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string } // npm's own
  return version
}

import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Returns the path of the folder that an option names by its absolute path or by a `file:` URL, as a text or a URL;
 * `undefined` for anything else, such as a relative path, a URL of another scheme, or one with an escaped slash.
 */
export function toFolderPath (folder: unknown): string | undefined {
  try {
    if (folder instanceof URL || (typeof folder === 'string' && /^file:\//i.test(folder))) {
      return resolve(fileURLToPath(folder))
    }
  } catch {
    return undefined // a URL that no file can have
  }
  return typeof folder === 'string' && isAbsolute(folder) ? resolve(folder) : undefined
}

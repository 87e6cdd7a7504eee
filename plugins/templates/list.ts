import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Lists the files under a folder whose name ends with the extension, sub-folders and links included.
 * Names that start with a dot are left out: editors, version control and mounted volumes keep their own there.
 *
 * @param above the folders on the way here, so that a link to one of them is not followed round and round
 */
export function listTemplates (folder: string, extension: string, above: string[] = []): string[] {
  const { dev, ino } = statSync(folder)
  const identity = `${dev}:${ino}`
  if (above.includes(identity)) return []

  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      const kind = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry
      if (kind?.isDirectory()) return listTemplates(path, extension, [...above, identity])
      return kind?.isFile() && entry.name.endsWith(extension) ? [path] : []
    })
}

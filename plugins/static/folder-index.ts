import type { Files, Found } from './files/files.ts'
import type { FileUrls } from './urls.ts'

/**
 * Returns the file for a name, or where a request for it is to be redirected: a folder has one URL, which ends in a
 * slash.
 */
export type IndexLookUp = (name: string, url: string) => Found | string | undefined

/**
 * Creates the look-up of a folder's file, with the option `index`.
 *
 * @param index the name of the file that answers for its folder
 * @param isElsewhere whether a file is not served: then no redirect tells of it
 */
export function createIndexLookUp (
  index: string, files: Files, urls: FileUrls, isElsewhere: (name: string) => boolean
): IndexLookUp {
  return (name, url) => {
    if (isNamed(name, index)) return isServed(name) ? urls.dropLastSegment(url) : undefined
    const file = files.find(name)
    if (file !== undefined) return file

    const nameOfIndex = name === '' ? index : `${name.replace(/\/$/, '')}/${index}`
    if (urls.endsInSlash(url)) return files.find(nameOfIndex)
    return isServed(nameOfIndex) ? urls.addSlash(url) : undefined
  }

  function isServed (name: string): boolean {
    return files.find(name) !== undefined && !isElsewhere(name)
  }
}

/** Returns the files with a folder's own URL, in place of its index's, to link the index by. */
export function linkFolders (files: Files, index: string): Files {
  return {
    ...files,
    link: (name) => {
      const link = files.link(name)
      return link !== undefined && isNamed(name, index) ? name.slice(0, -index.length) : link
    }
  }
}

/** Whether it is the name of an index, in whatever folder. */
function isNamed (name: string, index: string): boolean {
  return name === index || name.endsWith(`/${index}`)
}

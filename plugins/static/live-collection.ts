import type { Collection, Found } from './collection.js'
import { DiskFile } from './disk-file.js'
import { withoutFingerprint } from './fingerprint.js'
import { locate } from './locate.js'

/** The files under root as they are on the disk now. */
export function liveCollection (root: string, cacheControl: string): Collection {
  function find (name: string, policy: string): Found | undefined {
    const path = locate(root, name)
    return path === undefined ? undefined : { file: new DiskFile(name, path), cacheControl: policy, asked: name }
  }

  return {
    find: (name) => {
      const found = find(name, cacheControl)
      if (found !== undefined) return found
      // A page may have been rendered where files have fingerprints.
      const current = withoutFingerprint(name)
      return current === undefined ? undefined : find(current, 'no-cache')
    },
    assetName: (name) => locate(root, name) === undefined ? undefined : name
  }
}

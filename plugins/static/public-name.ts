import { isAbsolute, relative, sep } from 'node:path'

/**
 * Whether a file of this name (relative to root, `/` between its segments) may be served at all.
 * There is one spelling for each file: no empty segment, no `.` or `..`, no backslash, no NUL. And nothing
 * that is hidden by a dot, but for what RFC 8615 puts under `.well-known/`.
 */
export function isPublicName (name: string): boolean {
  return name.split('/').every((segment, index) =>
    segment !== '' &&
    !segment.includes('\\') &&
    !segment.includes('\0') &&
    (!segment.startsWith('.') || (index === 0 && segment === '.well-known'))
  )
}

/** Whether a path with its links resolved is still inside root, and not hidden there either. */
export function isPublicPath (realRoot: string, realPath: string): boolean {
  const way = relative(realRoot, realPath)
  // An absolute way leads to another drive of Windows. The empty one is root itself.
  return way === '' || (!isAbsolute(way) && isPublicName(way.split(sep).join('/')))
}

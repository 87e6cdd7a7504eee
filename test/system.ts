const { platform } = process
const isWindows = platform === 'win32'

/**
 * What some tests need and not every system has: false where it is there, else the reason to give as a test's `skip`.
 *
 * ```ts
 * t.test('a link leads out of the folder', { skip: lacks.links }, async (t) => {})
 * ```
 */
export const lacks = {
  signals: isWindows && 'Windows has no signals',
  links: isWindows && 'Windows lets nobody make links but those with a privilege',
  modes: isWindows && 'Windows has no file modes',
  sockets: isWindows && 'Windows has named pipes, and no sockets that are files',
  terminals: platform !== 'linux' && 'a terminal to type into is made as on Linux',
  limits: platform !== 'linux' && 'limits of a process are set, and looked up, as on Linux'
}

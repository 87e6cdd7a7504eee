import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..', '..')

/** Fill a folder with the project as operators get it: a clone, or npm's tarball, which stays beside its files. */
export const trees: Record<string, (folder: string) => void> = {
  'a clone' (folder) {
    const archive = execFileSync('git', ['archive', 'HEAD'], { cwd: root, maxBuffer: 1e9 })
    execFileSync('tar', ['-x'], { cwd: folder, input: archive })
  },
  'the tarball' (folder) {
    const packing = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
    const name = execFileSync('npm', packing, { cwd: root, encoding: 'utf8' }).trim()
    execFileSync('tar', ['-xzf', name, '--strip-components=1'], { cwd: folder })
  }
}

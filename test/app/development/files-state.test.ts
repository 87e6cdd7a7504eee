import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { createFilesState } from '../../../app/development/files-state.ts'
import { lacks } from '../../system.ts'

/** The state as it is now, with nothing remembered. */
const look = (folder: string, files = {}) => createFilesState([folder], files)()

/** A text whose length, too, is that of its round. */
const text = (round: number) => 'x'.repeat(round + 1)

t.test('differs after each save, however it is made and however often', { skip: lacks.links }, (t) => {
  const folder = t.testdir({})
  const views = join(folder, 'views')
  const page = join(views, 'page.eta')
  function makeViews (round = 0) {
    mkdirSync(join(views, 'parts'), { recursive: true })
    writeFileSync(page, text(round))
    // As Kubernetes mounts a ConfigMap.
    mkdirSync(join(views, '..first'))
    writeFileSync(join(views, '..first', 'mounted.eta'), text(round))
    symlinkSync('..first', join(views, '..data'))
    symlinkSync(join('..data', 'mounted.eta'), join(views, 'mounted.eta'))
    symlinkSync(join('..', 'elsewhere'), join(views, 'linked'))
  }
  makeViews()
  mkdirSync(join(folder, 'elsewhere'))

  const deaf: string[] = []
  const saves: Record<string, (round: number) => void> = {
    'in place': (round) => writeFileSync(page, text(round)),
    'by rename (sed -i, VS Code on some systems)': (round) => {
      writeFileSync(join(views, 'sedX1'), text(round))
      renameSync(join(views, 'sedX1'), page)
    },
    'with a copy aside (vim)': (round) => {
      renameSync(page, `${page}~`)
      writeFileSync(page, text(round))
      unlinkSync(`${page}~`)
    },
    'deleted and made anew (git checkout)': (round) => {
      unlinkSync(page)
      writeFileSync(page, text(round))
    },
    'a new file': (round) => writeFileSync(join(views, `new-${round}.eta`), ''),
    'a file that goes': (round) => unlinkSync(join(views, `new-${round}.eta`)),
    'another name': (round) => renameSync(page, join(views, `page-${round}.eta`)),
    'its old name': (round) => renameSync(join(views, `page-${round}.eta`), page),
    'in a folder of the folder': (round) => writeFileSync(join(views, 'parts', 'part.eta'), text(round)),
    'in a new folder': (round) => {
      mkdirSync(join(views, `more-${round}`, 'inner'), { recursive: true })
      writeFileSync(join(views, `more-${round}`, 'inner', 'part.eta'), '')
    },
    'in that folder later': (round) => writeFileSync(join(views, `more-${round}`, 'inner', 'part.eta'), 'later'),
    'in a folder behind a link': (round) => writeFileSync(join(folder, 'elsewhere', 'part.eta'), text(round)),
    'a hard link in its place': (round) => {
      writeFileSync(join(folder, `other-${round}`), text(round))
      unlinkSync(page)
      linkSync(join(folder, `other-${round}`), page)
    },
    'a file to which a link led in vain': (round) => {
      symlinkSync(join(folder, `later-${round}`), join(views, `vain-${round}.eta`))
      const before = look(views)
      writeFileSync(join(folder, `later-${round}`), '')
      if (look(views) === before) deaf.push(`a link that leads somewhere now, round ${round}`)
    },
    'a ConfigMap': (round) => {
      mkdirSync(join(views, `..${round}`))
      writeFileSync(join(views, `..${round}`, 'mounted.eta'), text(round))
      symlinkSync(`..${round}`, join(views, '..data_tmp'))
      renameSync(join(views, '..data_tmp'), join(views, '..data'))
    },
    'the folder goes': () => rmSync(views, { recursive: true }),
    'the folder comes back': makeViews,
    'the folder is another one': (round) => {
      renameSync(views, join(folder, `old-${round}`))
      makeViews(round)
    }
  }
  for (let round = 1; round <= 3; round++) {
    for (const [name, save] of Object.entries(saves)) {
      const before = look(views)
      save(round)
      if (look(views) === before) deaf.push(`${name}, round ${round}`)
    }
  }
  t.same(deaf, [])
  t.end()
})

t.test('is the same after what concerns no page', (t) => {
  const folder = t.testdir({ 'page.eta': 'a page', node_modules: {} })
  const before = look(folder)
  t.equal(look(folder), before)
  for (const name of ['.page.eta.swp', 'page.eta~', '#page.eta#', '.git', 'node_modules/package.json']) {
    writeFileSync(join(folder, name), 'aside')
    t.equal(look(folder), before, name)
  }
  t.end()
})

t.test('tells of single files, and of those whose names count', (t) => {
  const folder = t.testdir({ 'server.ts': '1', 'notes.txt': '1', public: { 'script.ts': '1' } })
  const files = { skips: /^public$/, counts: /\.ts$/ }
  const single = join(folder, '.env')
  const states = [[look(folder, files), look(single)]]
  for (const name of ['server.ts', 'notes.txt', 'public/script.ts', '.env']) {
    writeFileSync(join(folder, name), '22')
    states.push([look(folder, files), look(single)])
  }
  const isOther = states.slice(1).map((state, index) => state.map((text, part) => text !== states[index]?.[part]))
  t.same(isOther, [[true, false], [false, false], [false, false], [false, true]])
  t.end()
})

t.test('five thousand files are looked at now and then, however often it is asked', async (t) => {
  const folder = t.testdir({})
  for (let sub = 0; sub < 50; sub++) {
    mkdirSync(join(folder, `sub-${sub}`))
    for (let file = 0; file < 100; file++) writeFileSync(join(folder, `sub-${sub}`, `page-${file}.eta`), '')
  }
  const readState = createFilesState([folder])
  const begun = performance.now()
  const before = readState()
  const once = performance.now() - begun
  for (let times = 0; times < 1000; times++) readState()
  t.ok(performance.now() - begun < 100 * once, 'a thousand times take less than a hundred looks')

  writeFileSync(join(folder, 'sub-49', 'page-99.eta'), 'an edit')
  const deadline = performance.now() + 30_000
  while (readState() === before && performance.now() < deadline) await setTimeout(50)
  t.not(readState(), before, 'an edit is seen all the same')
})

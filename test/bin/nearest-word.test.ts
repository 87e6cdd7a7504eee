import t from 'tap'
import { findNearestWord } from '../../bin/nearest-word.ts'

t.test('names the word that was meant, or none', (t) => {
  const words = ['routes', 'check', 'new', 'hash-password', '--port', '--reload']
  const cases: [typed: string, meant: string | undefined][] = [
    ['rotes', 'routes'], ['route', 'routes'], ['routse', 'routes'], ['ruotes', 'routes'], ['nwe', 'new'], ['ne', 'new'],
    ['neww', 'new'], ['chekc', 'check'], ['hashpassword', 'hash-password'], ['hash-pasword', 'hash-password'],
    ['--prt', '--port'], ['--prot', '--port'], ['--relaod', '--reload'], ['', undefined], ['serve', undefined],
    ['x', undefined], ['--', undefined], ['--watch', undefined], ['help', undefined]
  ]
  const wrong = cases.map(([typed, meant]) => [typed, findNearestWord(typed, words), meant])
    .filter(([, found, meant]) => found !== meant)
  t.same(wrong, [])
  t.end()
})

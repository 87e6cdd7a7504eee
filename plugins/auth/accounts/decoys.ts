import { hash } from 'node:crypto'
import { isSupportedHash } from './passwords.ts'

/** Decoys are chosen among so many stored hashes at most: each costs a digest at each login that is checked. */
const sampleSize = 100

/**
 * Creates the function that picks the stored hash that an unknown name is checked against, so that it takes as long as
 * a wrong password. Hashes of different kinds take different times. So a name must have the same decoy in each
 * instance, after a restart, and while other users come and go: a user's name does not change its time either.
 *
 * This is rendezvous hashing: the decoy is the stored hash whose digest together with the name is the highest. One user
 * more or less changes the decoys of a few names alone. The stored hashes are the key, which instances share: each
 * holds a salt that even its user does not know, so nobody can work out a decoy from outside.
 *
 * An attacker can learn that a name's time changes. Then its user's hash has become one of another kind, or its decoy
 * has. Whoever has read the stored hashes knows the names already.
 *
 * @param hashes lists the stored hashes right now, unchecked
 * @param firstHash the decoy while there is none
 */
export function createDecoyPicker (hashes: () => Iterable<unknown>, firstHash: string): (name: string) => string {
  let before: unknown[] = []
  let sample = [firstHash]
  return (name) => {
    const now = [...hashes()]
    if (now.length !== before.length || now.some((stored, index) => stored !== before[index])) {
      before = now
      const taken = takeSample(now)
      if (taken.length > 0) sample = taken // where nobody is left, those of before go on
    }
    const digests = sample.map((stored) => hash('sha256', `${stored} ${name}`))
    return sample[digests.indexOf(digests.reduce((highest, digest) => digest > highest ? digest : highest))]!
  }
}

/**
 * Returns the stored hashes with the lowest digests: the same ones everywhere, in whatever order they come, with each
 * kind in about its share.
 */
export function takeSample (stored: Iterable<unknown>): string[] {
  return [...new Set(stored)]
    .filter((value): value is string => typeof value === 'string' && isSupportedHash(value))
    .map((value) => ({ value, digest: hash('sha256', value) }))
    .sort((a, b) => a.digest < b.digest ? -1 : 1)
    .slice(0, sampleSize)
    .map(({ value }) => value)
}

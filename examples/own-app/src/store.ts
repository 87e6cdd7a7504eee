import { setTimeout } from 'node:timers/promises'
import { type Client, createClient, LibsqlError, type Row } from '@libsql/client'
import { CannotStart } from 'fastify-quickstart'

/** What somebody writes down. */
export interface Sighting {
  species: string
  day: string
  count: number
  place: string
  ringed: boolean
  note: string
}

/** The changes of the schema, in their order. Add yours at the end: those that a database has had are not run again. */
const migrations = [
  `CREATE TABLE sightings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    observer TEXT NOT NULL,
    species TEXT NOT NULL,
    day TEXT NOT NULL,
    count INTEGER NOT NULL,
    place TEXT NOT NULL,
    ringed INTEGER NOT NULL,
    note TEXT NOT NULL
  )`,
  'CREATE UNIQUE INDEX sightings_once_a_day ON sightings (observer, day, species)',
  'CREATE INDEX sightings_by_observer ON sightings (observer)', // each index ends with the id
  'CREATE INDEX sightings_by_species ON sightings (species)'
]

const pageSize = 20

/**
 * Opens the database, and brings its schema up to date.
 *
 * @param url `file:sightings.db` for a file, `libsql://…`, `https://…` or `http://…` for a server
 * @param authToken the server's token
 */
export async function openStore (url: string, authToken?: string) {
  // Fastify gives a plugin ten seconds.
  const tooLate = setTimeout(8000, undefined, { ref: false }).then(() => { throw new Error('it does not answer') })
  const opened = Promise.race([connect(url, authToken), tooLate])
  const client = await opened.catch((error) => { throw explain(error, url) })

  /** Runs one statement. Where the database cannot be used now, the error makes the answer 503. */
  async function run (sql: string, args: (string | number)[] = []) {
    try {
      return await waitForFile(() => client.execute({ sql, args }))
    } catch (error) {
      throw isStatementFault(error) ? error : new Unavailable(error)
    }
  }

  return {
    /** A page of the sightings, the newest first, and the id to ask for the next page with, if there is one. */
    async list ({ by, species, before }: { by?: string, species?: string, before?: number } = {}) {
      const given = Object.entries({ 'observer = ?': by, 'species = ?': species, 'id < ?': before })
        .flatMap(([condition, value]) => value === undefined ? [] : [{ condition, value }])
      const where = given.length === 0 ? '' : `WHERE ${given.map(({ condition }) => condition).join(' AND ')}`
      const { rows } = await run(
        `SELECT * FROM sightings ${where} ORDER BY id DESC LIMIT ?`,
        [...given.map(({ value }) => value), pageSize + 1]
      )
      const seen = rows.slice(0, pageSize).map(toSighting)
      return { seen, older: rows.length > pageSize ? seen.at(-1)?.id : undefined }
    },

    /** Writes a sighting down. Returns false where the observer has this species on this day already. */
    async add (by: string, { species, day, count, place, ringed, note }: Sighting) {
      const { rowsAffected } = await run(
        `INSERT INTO sightings (observer, species, day, count, place, ringed, note) VALUES (?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (observer, day, species) DO NOTHING`,
        [by, species, day, count, place, Number(ringed), note]
      )
      return rowsAffected === 1
    },

    /** Returns false where there is none with this id. */
    async remove (id: number) {
      const { rowsAffected } = await run('DELETE FROM sightings WHERE id = ?', [id])
      return rowsAffected === 1
    },

    /** Fails where the database cannot be read. */
    async check () {
      await run('SELECT id FROM sightings LIMIT 1')
    },

    close () {
      client.close()
    }
  }
}

async function connect (url: string, authToken?: string) {
  // In milliseconds. While SQLite waits for another process that writes to the file, the server waits with it.
  const client = createClient({ url, timeout: 5, ...(authToken !== undefined && { authToken }) })
  // Readers do not wait for writers, and a write that was answered is on the disk.
  if (client.protocol === 'file') await waitForFile(() => client.execute('PRAGMA journal_mode = WAL'), 10_000)
  await waitForFile(() => migrate(client), 10_000) // workers start at the same time
  return client
}

/** One line for who starts the app. It does not show the URL, which may hold a secret. */
function explain (error: Error & { cause?: { message?: string, code?: string } }, url: string) {
  if (isStatementFault(error)) return error
  if (/^URL_|Invalid URL|from a URL/.test(error.message)) {
    return new CannotStart('DATABASE_URL takes file:sightings.db, or the address of a server as libsql://, https:// or http://')
  }
  const [reason] = (error.cause?.message || error.cause?.code || error.message).split('\n')
  return new CannotStart(`the ${url.startsWith('file:') ? 'file' : 'server'} of DATABASE_URL cannot be used: ${reason}`)
}

class Unavailable extends Error {
  statusCode = 503

  constructor (cause: unknown) {
    super('The database cannot be used now', { cause })
  }
}

/** Whether a statement is wrong, rather than the file locked, the disk full or the server out of reach. */
function isStatementFault (error: unknown) {
  return error instanceof LibsqlError && /^SQLITE_(ERROR|CONSTRAINT|MISMATCH|RANGE)/.test(error.code)
}

/** Tries for so many milliseconds while another process writes to the file. Other requests are answered meanwhile. */
async function waitForFile<Result> (action: () => Promise<Result>, patience = 1000) {
  for (const end = performance.now() + patience; ;) {
    try {
      return await action()
    } catch (error) {
      const isLocked = error instanceof LibsqlError && error.code === 'SQLITE_BUSY'
      if (!isLocked || performance.now() > end) throw error
      await setTimeout(20)
    }
  }
}

async function migrate (client: Client) {
  const transaction = await client.transaction('write') // one process after the other
  try {
    await transaction.execute('CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)')
    const { rows: [last] } = await transaction.execute('SELECT max(number) AS number FROM migrations')
    const done = Number(last?.number ?? 0)
    for (const [index, sql] of migrations.slice(done).entries()) {
      await transaction.execute(sql)
      await transaction.execute({ sql: 'INSERT INTO migrations VALUES (?)', args: [done + index + 1] })
    }
    await transaction.commit()
  } finally {
    transaction.close() // rolls back what was not committed
  }
}

function toSighting (row: Row) {
  return {
    id: Number(row.id),
    by: String(row.observer),
    species: String(row.species),
    day: String(row.day),
    count: Number(row.count),
    place: String(row.place),
    ringed: row.ringed === 1,
    note: String(row.note)
  }
}

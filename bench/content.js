/** Who logs in, everywhere. */
export const login = { name: 'alice', password: 'correct horse battery staple' }

/** How many connections guess passwords in the flood. */
export const guessers = 50

/** What the page shows: a title, and ten values in a loop. One of them has something to escape. */
export const pageData = {
  title: 'Measured today',
  items: Array.from({ length: 10 }, (_, index) => ({ name: index === 4 ? 'salt & <pepper>' : `sample ${index}`, value: 17 * (index + 1) }))
}

/**
 * The script of a page that reloads itself. It asks the server twice a second for its state, and compares the answer
 * with the state that the page was made in. A question is over at once: a browser has six connections to a server, and
 * one that stayed open for each tab would leave none for the seventh. A tab that nobody sees asks every five seconds,
 * and when it is shown.
 *
 * Its element has `data-url`, where it asks, and `data-state`, what the page shows.
 */
export const reloadScript = `(() => {
  const { dataset } = document.currentScript
  if (window.origin === 'null') return // neither a sandboxed frame nor a saved page may ask
  const url = location.origin + dataset.url // wherever a <base> of the page leads
  let shown = dataset.state
  let isOver = false
  let wake

  const pause = (milliseconds) => new Promise((resolve) => {
    wake = resolve
    setTimeout(resolve, milliseconds)
  })
  document.addEventListener('visibilitychange', () => wake())
  document.addEventListener('securitypolicyviolation', ({ blockedURI }) => {
    if (blockedURI === url) isOver = true // the page's policy lets it connect to nothing
  })

  // The server's state; undefined while it is away.
  const ask = async () => {
    try {
      const answer = await fetch(url, { cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(5000) })
      if (answer.status === 401) isOver = true // another question would open another window that asks for a login
      return answer.ok ? await answer.text() : undefined
    } catch {}
  }

  // Whether the page was reloaded for this state a moment ago. It may come from a cache, or from another server.
  const isRepeated = (state) => {
    const key = 'quickstart-reload ' + location.pathname
    try {
      const [last, at] = (sessionStorage.getItem(key) ?? '').split(' ')
      if (last === state && Date.now() - at < 5000) return true
      sessionStorage.setItem(key, state + ' ' + Date.now())
    } catch {} // storage may be forbidden
    return false
  }

  const watch = async () => {
    for (;;) {
      await pause(document.hidden ? 5000 : 500)
      if (isOver) return
      const current = await ask()
      if (current === undefined || current === shown) continue
      await pause(100) // several files may be saved together, and a server started twice
      if (await ask() !== current || isRepeated(current)) continue
      shown = current // the page may ask to stay
      location.reload()
    }
  }
  watch()
})()
`

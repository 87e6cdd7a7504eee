/** When the page draws an answer that is on its way, and where it stands then. */

/** At most one drawing a frame, however many pieces come. One that takes long waits as long before the next. */
export function oncePerFrame (draw) {
  let isDue = false
  let rest = 0
  return () => {
    if (isDue) return
    isDue = true
    setTimeout(window.requestAnimationFrame, rest, () => {
      const start = performance.now()
      draw()
      isDue = false
      rest = performance.now() - start
    })
  }
}

/** Follows what is added, if the reader was at the end. Who has scrolled up to read stays there. */
export function followEnd (change) {
  const page = document.documentElement
  const wasAtEnd = page.scrollHeight - page.clientHeight - page.scrollTop < 40
  change()
  if (wasAtEnd) page.scrollTop = page.scrollHeight
}

export function goToEnd () {
  const page = document.documentElement
  page.scrollTop = page.scrollHeight
}

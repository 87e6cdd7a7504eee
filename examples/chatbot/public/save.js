/** A conversation as a file: Markdown to read, JSONL (a message a line) to compute with. And what Copy does. */

export function toMarkdown ({ title, exchanges }, model) {
  const parts = exchanges.map(({ question, answer, end }) => {
    const note = end?.message === undefined ? '' : `\n\n*${end.message}*`
    return `## You\n\n${question}\n\n## ${model}\n\n${answer}${note}`
  })
  return `# ${title}\n\n${parts.join('\n\n')}\n`
}

export function toJsonLines ({ id: conversation, exchanges }, model) {
  const messages = exchanges.flatMap(({ question, answer, thinking, time, end, id, verdict }) => [
    { conversation, time: new Date(time).toISOString(), role: 'user', content: question },
    // What is undefined is left out of the line.
    { conversation, role: 'assistant', model, content: answer, thinking: thinking || undefined, end, id, verdict }
  ])
  return messages.map((message) => `${JSON.stringify(message)}\n`).join('')
}

/** Has the browser save a text as a file. */
export function download (name, type, text) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** @returns {Promise<boolean>} false where the browser does not let the page write to the clipboard */
export async function copy (text) {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text).then(() => true, () => false)
  // Over plain HTTP there is only the old way: to select a text and to copy the selection.
  const field = document.createElement('textarea')
  field.value = text
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand('copy')
  field.remove()
  return isCopied
}

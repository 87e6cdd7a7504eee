/** Makes an element with attributes, and in it nodes or texts. A text stays text: no markup is ever read from one. */
export function element (name, attributes = {}, ...content) {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...content)
  return made
}

export function button (label, onClick, attributes = {}) {
  const made = element('button', { type: 'button', ...attributes }, label)
  made.addEventListener('click', onClick)
  return made
}

/* Sentences for people who fill in a form. They come from the rules alone: none holds what a client sent. */

/** Tells what to do where the given value is not one. It gets `undefined` or `''` for what is missing. */
export type Advise = (given: unknown) => string

export const fillIn = 'Please fill this in'
export const enterOne = 'Please enter one value only'
export const enterText = 'Please enter text'
export const leaveOutUnreadable = 'Please leave out characters that cannot be shown'
export const checkThis = 'Please check this'
export const chooseYesOrNo = 'Please choose yes or no'

/** The most choices that a sentence lists. */
const mostChoices = 10

/** Advises to fill in what is missing, and anything else with the words for it. */
export function orFillIn (advise: Advise): Advise {
  return (given) => given === undefined || given === '' ? fillIn : advise(given)
}

export function adviseChoice (choices: unknown[]): string {
  if (choices.length > mostChoices) return 'Please choose one of the options'
  const names = choices.map((choice) => typeof choice === 'string' ? choice : JSON.stringify(choice)).join(', ')
  return `Please choose ${choices.length > 1 ? 'one of: ' : ''}${names}`
}

/** Advises on how long a text must be. It is too short where `isShort` says so, else too long. */
export function adviseLength (isShort: boolean, min: number, max: number): string {
  const count = isShort ? min : max
  return `Please enter at ${isShort ? 'least' : 'most'} ${count} character${count === 1 ? '' : 's'}`
}

/** Advises on how many values a list has. */
export function adviseCount (min: number, max: number): string {
  if (max === Infinity) return `Please enter at least ${min} value${min === 1 ? '' : 's'}`
  if (min === max) return `Please enter ${min} value${min === 1 ? '' : 's'}`
  return `Please enter ${min === 0 ? 'at most' : `${min} to`} ${max} value${max === 1 ? '' : 's'}`
}

/**
 * Advises on a number. Limits that only say what a JavaScript number holds are left out: a number beyond one must be
 * smaller or larger.
 *
 * @param what such as `a whole number`
 * @param most the largest number that JavaScript holds of this kind
 */
export function adviseNumber (
  what: string, { min, max, most }: { min: number, max: number, most: number }, given: unknown
): string {
  const [hasMin, hasMax] = [min > -most, max < most]
  const value = typeof given === 'string' && given !== '' ? Number(given) : given
  if (typeof value === 'number') {
    if (value > most && !hasMax) return 'Please enter a smaller number'
    if (value < -most && !hasMin) return 'Please enter a larger number'
  }
  if (hasMin && hasMax) return `Please enter ${what} from ${min} to ${max}`
  if (hasMin) return `Please enter ${what} of at least ${min}`
  return `Please enter ${what}${hasMax ? ` of at most ${max}` : ''}`
}

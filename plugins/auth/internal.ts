/** For the app and the command alone: the package does not export it. */
export { parseHtpasswd, withUser } from './accounts/htpasswd.ts'
export { isSupportedHash, nameProblem, passwordProblem } from './accounts/passwords.ts'
export { decodeText } from './accounts/text.ts'
export { areAccountsUnreadable, isRedisAway, loginCounts } from './monitoring.ts'
export { loginNeeds } from './protect.ts'

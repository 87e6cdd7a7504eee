/** For the app and the command alone: the package does not export it. */
export { parseHtpasswd, setUser } from './accounts/htpasswd.ts'
export { isSupportedHash, findNameProblem, findPasswordProblem } from './accounts/passwords.ts'
export { decodeText } from './accounts/text.ts'
export { areAccountsUnreadable, isRedisAway, readLoginCounts } from './monitoring.ts'
export { loginNeeds } from './protect.ts'

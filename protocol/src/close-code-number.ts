/** Used as `CLOSE_CODE.draining`; each is an export of its own, so that a page carries those only that it asks for. */
export const draining = 4000
export const helloTimedOut = 4001
export const tooSlow = 4002
export const tokenExpired = 4003
export const overloaded = 4004
export const notUnderstood = 4500
export const notAuthenticated = 4501
export const unsupportedVersion = 4502
export const originNotAllowed = 4503
export const tooMany = 4504

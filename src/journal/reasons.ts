/**
 * Why a call failed, as gateways write it into `reason` where the page of a call says more about it. In brackets behind it
 * there may be a status or the name of a kind of error; never anything that a caller or an upstream wrote.
 * @public
 */
export const reasons = {
  ownError: 'the upstream answered with an error of its own',
  otherForm: 'the error is not in the standard form',
  gatewayRefused: 'the upstream refused the gateway',
  functionCrashed: 'the function crashed',
  notInvoked: 'the function could not be invoked',
  foreignId: 'the new thing has the id of one that is somebody else’s',
  ownerNotStored: 'the owner of a new resource could not be stored',
} as const

/** Every sentence of the pages of subscribers. `{places}` are filled in by the page. */
export const en = {
  consentVerified: '{operator} has a contract with {partner}, which uses this name here.',
  answeredTitle: 'This was answered already',
  answeredText:
    'Your answer is recorded; pressing again changed nothing. You can look at it on your {privacy}.',
  language: 'Language',
  consentNumber: 'Your number',
  consentPartner: 'Company',
  consentApplication: 'Application',
  consentSandbox: 'This is a test system. The number is of no real person.',
  consentWhat: 'What it gets',
  consentWhy: 'Why',
  consentHowLong: 'How long',
  consentWithdraw: 'How to withdraw',
  consentRefusing:
    'If you refuse, {partner} gets nothing, and your contract with {operator} stays as it is.',
  privacyPage: 'privacy page',
  allowedTitle: 'You allowed it',
  allowedText:
    '{partner} may use the data for the purpose you read. You can withdraw this on your {privacy}.',
  refusedTitle: 'You refused',
  refusedText: '{partner} gets nothing. You need not do anything else.',
  closePage: 'You can close this page.',
  goingOn: 'Going back to {application}…',
  goOn: 'Continue',
  goneTitle: 'There is nothing to decide here',
  goneText:
    'This link was used already, is too old, or is incomplete. Nothing was allowed by opening it. If somebody still needs your answer, you will get a new message.',
  otherBrowserTitle: 'Please start again in this browser',
  otherBrowserText:
    'The answer came from a page that was not opened in this browser, or that is too old. Nothing was decided. Open the link of your message again, or go back to the application where you began.',
  cookiesNeeded: 'This page needs cookies to be allowed.',
  notEmbeddedTitle: 'This page opens only by itself',
  notEmbeddedText:
    'It was asked for in the background or inside another page. Open it in a window of its own to read it.',
  openHere: 'Open the page',
  missingAnswerTitle: 'Please choose an answer',
  missingAnswerText: 'Neither answer was chosen. Go back and press one of the two.',
  errorTitle: 'This cannot go on',
  errorBadClient:
    'The application that sent you here is not known, or may not do this. You did nothing wrong. Please tell the people who run it.',
  errorBadRedirect:
    'The application that sent you here wants you back at an address that it did not register. For your safety you stay here. Please tell the people who run it.',
  errorExpired:
    'This took too long, or was finished already. Go back to the application and begin again.',
  errorRequest:
    'The request of the application cannot be read. You did nothing wrong. Please tell the people who run it.',
  errorOurs: 'Something failed on our side. Please try again in a moment.',
  errorBusy: 'There were too many tries. Please wait {seconds} seconds and try again.',
  errorReference: 'Reference for questions',
  errorFor: 'For developers',
  proofTitle: 'To answer safely',
  proofLead:
    '{application} sent you here with a question about your data. To make sure that it is you who answers, we send a code to {number}.',
  privacyTitle: 'Your data and who may use it',
  privacyLead:
    'See which companies may use data of your mobile number at {operator}, and end it. To show that it is your number, we send you a code.',
  privacyNumber: 'Your mobile number',
  privacyNumberHint: 'With the country code, for example {example}',
  privacySend: 'Send a code',
  privacyBadNumber: 'That is no mobile number. Begin with + and the country code.',
  privacyCodeTitle: 'Enter the code',
  privacyCodeLead:
    'If {number} is one of our numbers, a message with six digits is on its way to it. The code works for 5 minutes.',
  privacyCode: 'Code',
  privacyCheck: 'Go on',
  privacyWrongCode: 'This code is not right, or no longer valid. Check it, or have a new one sent.',
  privacyAnotherCode: 'Use another number, or have a new code sent',
  privacySms:
    '{code} is your code for the privacy page of {operator}. Tell it to nobody. It works for 5 minutes.',
  privacyListTitle: 'Who may use your data',
  privacyFor: 'Number {number}',
  privacySignOut: 'Sign out',
  privacyNone: 'You have allowed nothing to anybody, and nobody has asked.',
  privacyWhatFor: 'For',
  privacyWhat: 'What',
  privacySince: 'Since',
  privacyUntilLabel: 'Until',
  privacyLastUsed: 'Last used',
  privacyNeverUsed: 'not used yet',
  privacyState: 'State',
  privacyHistory: 'History',
  privacyLive: 'In force',
  privacyPast: 'Not in force',
  privacyWithdraw: 'Withdraw',
  privacyWithdrawTitle: 'Withdraw this?',
  privacyWithdrawText:
    '{partner} can then no longer use this data through {operator}. It takes effect at once.',
  privacyObject: 'Object',
  privacyObjectTitle: 'Object to this use?',
  privacyObjectText:
    'This use does not need your consent; it rests on a legitimate interest. If you object, {operator} stops it for {partner} at once.',
  privacyInterest: 'used without consent, on a legitimate interest',
  privacyKeep: 'Keep it',
  privacyWithdrawnDone: 'Withdrawn. In effect since {time}.',
  privacyObjectedDone: 'Your objection is recorded. In effect since {time}.',
  privacyDownload: 'Download my records',
  privacySignedOutTitle: 'You are signed out',
  privacyEnded:
    'You were signed out because nothing happened for a while. Please show again that it is your number.',
  statePENDING: 'not asked yet',
  stateREQUESTED: 'asked, not answered',
  stateGRANTED: 'allowed',
  stateDENIED: 'refused',
  stateWITHDRAWN: 'withdrawn',
  stateEXPIRED: 'expired',
  stateOBJECTED: 'objected',
}

export type Words = Record<keyof typeof en, string>

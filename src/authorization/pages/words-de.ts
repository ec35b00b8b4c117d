import type { Words } from './words-en.ts'

export const de: Words = {
  consentVerified:
    '{operator} hat einen Vertrag mit {partner}, das hier unter diesem Namen auftritt.',
  answeredTitle: 'Das wurde bereits beantwortet',
  answeredText:
    'Ihre Antwort ist aufgenommen; nochmaliges Drücken hat nichts geändert. Auf Ihrer {privacy} können Sie sie ansehen.',
  language: 'Sprache',
  consentNumber: 'Ihre Nummer',
  consentPartner: 'Unternehmen',
  consentApplication: 'Anwendung',
  consentSandbox: 'Dies ist ein Testsystem. Die Nummer gehört keiner wirklichen Person.',
  consentMixedName:
    'Achtung: Ein Name hier mischt Buchstaben mehrerer Alphabete und kann wie ein anderer aussehen.',
  consentWhat: 'Was es erhält',
  consentWhy: 'Wofür',
  consentHowLong: 'Wie lange',
  consentWithdraw: 'Wie Sie widerrufen',
  consentRefusing:
    'Wenn Sie ablehnen, erhält {partner} nichts, und Ihr Vertrag mit {operator} bleibt, wie er ist.',
  privacyPage: 'Datenschutz-Seite',
  allowedTitle: 'Sie haben es erlaubt',
  allowedText:
    '{partner} darf die Daten für den genannten Zweck verwenden. Widerrufen können Sie auf Ihrer {privacy}.',
  refusedTitle: 'Sie haben abgelehnt',
  refusedText: '{partner} erhält nichts. Sie müssen nichts weiter tun.',
  closePage: 'Sie können diese Seite schließen.',
  goingOn: 'Zurück zu {application} …',
  goOn: 'Weiter',
  goneTitle: 'Hier gibt es nichts zu entscheiden',
  goneText:
    'Dieser Link wurde bereits benutzt, ist zu alt oder unvollständig. Durch das Öffnen wurde nichts erlaubt. Wird Ihre Antwort noch gebraucht, erhalten Sie eine neue Nachricht.',
  otherBrowserTitle: 'Bitte beginnen Sie in diesem Browser neu',
  otherBrowserText:
    'Die Antwort kam von einer Seite, die nicht in diesem Browser geöffnet wurde oder zu alt ist. Es wurde nichts entschieden. Öffnen Sie den Link Ihrer Nachricht noch einmal, oder kehren Sie zur Anwendung zurück, in der Sie begonnen haben.',
  cookiesNeeded: 'Diese Seite braucht Cookies.',
  notEmbeddedTitle: 'Diese Seite öffnet sich nur für sich allein',
  notEmbeddedText:
    'Sie wurde im Hintergrund oder innerhalb einer anderen Seite angefordert. Öffnen Sie sie in einem eigenen Fenster.',
  openHere: 'Seite öffnen',
  missingAnswerTitle: 'Bitte wählen Sie eine Antwort',
  missingAnswerText:
    'Es wurde keine Antwort gewählt. Gehen Sie zurück und wählen Sie eine der beiden.',
  errorTitle: 'Hier geht es nicht weiter',
  errorBadClient:
    'Die Anwendung, die Sie hierher geschickt hat, ist nicht bekannt oder darf dies nicht. Sie haben nichts falsch gemacht. Bitte sagen Sie es deren Betreiber.',
  errorBadRedirect:
    'Die Anwendung, die Sie hierher geschickt hat, will Sie an eine Adresse zurückleiten, die sie nicht angemeldet hat. Zu Ihrer Sicherheit bleiben Sie hier. Bitte sagen Sie es deren Betreiber.',
  errorExpired:
    'Es hat zu lange gedauert oder war schon abgeschlossen. Gehen Sie zur Anwendung zurück und beginnen Sie neu.',
  errorRequest:
    'Die Anfrage der Anwendung ist nicht lesbar. Sie haben nichts falsch gemacht. Bitte sagen Sie es deren Betreiber.',
  errorOurs: 'Bei uns ist etwas fehlgeschlagen. Bitte versuchen Sie es gleich noch einmal.',
  errorBusy:
    'Es gab zu viele Versuche. Bitte warten Sie {seconds} Sekunden und versuchen Sie es erneut.',
  errorReference: 'Kennzeichen für Rückfragen',
  errorFor: 'Für Entwickler',
  proofTitle: 'Sicher antworten',
  proofLead:
    '{application} hat Sie mit einer Frage zu Ihren Daten hierher geschickt. Damit sicher ist, dass Sie es sind, der antwortet, senden wir einen Code an {number}.',
  privacyTitle: 'Ihre Daten und wer sie verwenden darf',
  privacyLead:
    'Sehen Sie, welche Unternehmen Daten Ihrer Mobilnummer bei {operator} verwenden dürfen, und beenden Sie es. Um zu zeigen, dass es Ihre Nummer ist, erhalten Sie einen Code.',
  privacyNumber: 'Ihre Mobilnummer',
  privacyNumberHint: 'Mit Landesvorwahl, zum Beispiel {example}',
  privacySend: 'Code senden',
  privacyBadNumber: 'Das ist keine Mobilnummer. Beginnen Sie mit + und der Landesvorwahl.',
  privacyCodeTitle: 'Code eingeben',
  privacyCodeLead:
    'Wenn {number} eine unserer Nummern ist, ist eine Nachricht mit sechs Ziffern dorthin unterwegs. Der Code gilt 5 Minuten.',
  privacyCode: 'Code',
  privacyCheck: 'Weiter',
  privacyWrongCode:
    'Dieser Code stimmt nicht oder gilt nicht mehr. Prüfen Sie ihn, oder lassen Sie sich einen neuen senden.',
  privacyAnotherCode: 'Andere Nummer verwenden oder neuen Code senden lassen',
  privacySms:
    '{code} ist Ihr Code für die Datenschutz-Seite von {operator}. Sagen Sie ihn niemandem. Er gilt 5 Minuten.',
  privacyListTitle: 'Wer Ihre Daten verwenden darf',
  privacyFor: 'Nummer {number}',
  privacySignOut: 'Abmelden',
  privacyNone: 'Sie haben niemandem etwas erlaubt, und niemand hat gefragt.',
  privacyWhatFor: 'Wofür',
  privacyWhat: 'Was',
  privacySince: 'Seit',
  privacyUntilLabel: 'Bis',
  privacyLastUsed: 'Zuletzt verwendet',
  privacyNeverUsed: 'noch nicht verwendet',
  privacyState: 'Stand',
  privacyHistory: 'Verlauf',
  privacyLive: 'In Kraft',
  privacyPast: 'Nicht in Kraft',
  privacyWithdraw: 'Widerrufen',
  privacyWithdrawTitle: 'Dies widerrufen?',
  privacyWithdrawText:
    '{partner} kann diese Daten dann nicht mehr über {operator} verwenden. Es wirkt sofort.',
  privacyObject: 'Widersprechen',
  privacyObjectTitle: 'Dieser Verwendung widersprechen?',
  privacyObjectText:
    'Diese Verwendung braucht Ihre Einwilligung nicht; sie beruht auf einem berechtigten Interesse. Wenn Sie widersprechen, beendet {operator} sie für {partner} sofort.',
  privacyInterest: 'ohne Einwilligung verwendet, auf Grund eines berechtigten Interesses',
  privacyUses: 'Verwendet, ohne Sie zu fragen',
  privacyBasis: 'Auf welcher Grundlage',
  privacyContract: 'nötig für einen Vertrag oder einen Dienst, den Sie nutzen',
  privacyCalls: '{count}×, zuletzt am {time}',
  privacyLift: 'Widerspruch aufheben',
  privacyLiftTitle: 'Diesen Widerspruch aufheben?',
  privacyLiftText:
    '{partner} kann diese Daten dann wieder verwenden, auf Grund des berechtigten Interesses.',
  privacyKeep: 'Behalten',
  privacyWithdrawnDone: 'Widerrufen. Wirksam seit {time}.',
  privacyObjectedDone: 'Ihr Widerspruch ist aufgenommen. Wirksam seit {time}.',
  privacyDownload: 'Meine Aufzeichnungen herunterladen',
  privacySignedOutTitle: 'Sie sind abgemeldet',
  privacyEnded:
    'Sie wurden abgemeldet, weil eine Weile nichts geschah. Bitte zeigen Sie noch einmal, dass es Ihre Nummer ist.',
  statePENDING: 'noch nicht gefragt',
  stateREQUESTED: 'gefragt, nicht beantwortet',
  stateGRANTED: 'erlaubt',
  stateDENIED: 'abgelehnt',
  stateWITHDRAWN: 'widerrufen',
  stateEXPIRED: 'abgelaufen',
  stateOBJECTED: 'widersprochen',
}

import type { Words } from './words-en.ts'

export const fr: Words = {
  consentVerified: '{operator} a un contrat avec {partner}, qui se présente ici sous ce nom.',
  answeredTitle: 'Une réponse a déjà été donnée',
  answeredText:
    'Votre réponse est enregistrée ; appuyer de nouveau n’a rien changé. Vous pouvez la voir sur votre {privacy}.',
  language: 'Langue',
  consentNumber: 'Votre numéro',
  consentPartner: 'Entreprise',
  consentApplication: 'Application',
  consentSandbox: 'Ceci est un système de test. Le numéro n’appartient à aucune personne réelle.',
  consentMixedName:
    'Attention : un nom mélange ici des lettres de plusieurs alphabets et peut ressembler à un autre.',
  consentWhat: 'Ce qu’elle reçoit',
  consentWhy: 'Pourquoi',
  consentHowLong: 'Combien de temps',
  consentWithdraw: 'Comment retirer votre accord',
  consentRefusing:
    'Si vous refusez, {partner} ne reçoit rien, et votre contrat avec {operator} ne change pas.',
  privacyPage: 'page de confidentialité',
  allowedTitle: 'Vous avez autorisé',
  allowedText:
    '{partner} peut utiliser les données pour le but indiqué. Vous pouvez retirer votre accord sur votre {privacy}.',
  refusedTitle: 'Vous avez refusé',
  refusedText: '{partner} ne reçoit rien. Vous n’avez rien d’autre à faire.',
  closePage: 'Vous pouvez fermer cette page.',
  goingOn: 'Retour à {application}…',
  goOn: 'Continuer',
  goneTitle: 'Il n’y a rien à décider ici',
  goneText:
    'Ce lien a déjà servi, est trop ancien ou incomplet. Rien n’a été autorisé en l’ouvrant. Si votre réponse est encore nécessaire, vous recevrez un nouveau message.',
  otherBrowserTitle: 'Veuillez recommencer dans ce navigateur',
  otherBrowserText:
    'La réponse vient d’une page qui n’a pas été ouverte dans ce navigateur, ou qui est trop ancienne. Rien n’a été décidé. Ouvrez de nouveau le lien de votre message, ou revenez à l’application où vous avez commencé.',
  cookiesNeeded: 'Cette page a besoin des cookies.',
  notEmbeddedTitle: 'Cette page ne s’ouvre que seule',
  notEmbeddedText:
    'Elle a été demandée en arrière-plan ou dans une autre page. Ouvrez-la dans sa propre fenêtre pour la lire.',
  openHere: 'Ouvrir la page',
  missingAnswerTitle: 'Veuillez choisir une réponse',
  missingAnswerText:
    'Aucune réponse n’a été choisie. Revenez en arrière et choisissez l’une des deux.',
  errorTitle: 'Impossible de continuer',
  errorBadClient:
    'L’application qui vous a envoyé ici est inconnue, ou n’y est pas autorisée. Vous n’avez rien fait de mal. Veuillez le signaler à ses responsables.',
  errorBadRedirect:
    'L’application qui vous a envoyé ici veut vous renvoyer à une adresse qu’elle n’a pas enregistrée. Pour votre sécurité, vous restez ici. Veuillez le signaler à ses responsables.',
  errorExpired:
    'Cela a pris trop de temps, ou était déjà terminé. Revenez à l’application et recommencez.',
  errorRequest:
    'La demande de l’application est illisible. Vous n’avez rien fait de mal. Veuillez le signaler à ses responsables.',
  errorOurs: 'Quelque chose a échoué de notre côté. Veuillez réessayer dans un instant.',
  errorBusy: 'Il y a eu trop d’essais. Veuillez attendre {seconds} secondes et réessayer.',
  errorReference: 'Référence pour vos questions',
  errorFor: 'Pour les développeurs',
  proofTitle: 'Répondre en toute sécurité',
  proofLead:
    '{application} vous a envoyé ici avec une question sur vos données. Pour être sûrs que c’est vous qui répondez, nous envoyons un code au {number}.',
  privacyTitle: 'Vos données et qui peut les utiliser',
  privacyLead:
    'Voyez quelles entreprises peuvent utiliser des données de votre numéro mobile chez {operator}, et mettez-y fin. Pour montrer que le numéro est le vôtre, nous vous envoyons un code.',
  privacyNumber: 'Votre numéro mobile',
  privacyNumberHint: 'Avec l’indicatif du pays, par exemple {example}',
  privacySend: 'Envoyer un code',
  privacyBadNumber: 'Ce n’est pas un numéro mobile. Commencez par + et l’indicatif du pays.',
  privacyCodeTitle: 'Saisissez le code',
  privacyCodeLead:
    'Si {number} est l’un de nos numéros, un message de six chiffres lui est envoyé. Le code est valable 5 minutes.',
  privacyCode: 'Code',
  privacyCheck: 'Continuer',
  privacyWrongCode:
    'Ce code n’est pas correct, ou n’est plus valable. Vérifiez-le, ou demandez-en un nouveau.',
  privacyAnotherCode: 'Utiliser un autre numéro, ou recevoir un nouveau code',
  privacySms:
    '{code} est votre code pour la page de confidentialité de {operator}. Ne le dites à personne. Il est valable 5 minutes.',
  privacyListTitle: 'Qui peut utiliser vos données',
  privacyFor: 'Numéro {number}',
  privacySignOut: 'Se déconnecter',
  privacyNone: 'Vous n’avez rien autorisé à personne, et personne n’a demandé.',
  privacyWhatFor: 'Pour',
  privacyWhat: 'Quoi',
  privacySince: 'Depuis',
  privacyUntilLabel: 'Jusqu’au',
  privacyLastUsed: 'Dernière utilisation',
  privacyNeverUsed: 'pas encore utilisé',
  privacyState: 'État',
  privacyHistory: 'Historique',
  privacyLive: 'En vigueur',
  privacyPast: 'Plus en vigueur',
  privacyWithdraw: 'Retirer',
  privacyWithdrawTitle: 'Retirer cet accord ?',
  privacyWithdrawText:
    '{partner} ne pourra plus utiliser ces données par {operator}. Cela prend effet aussitôt.',
  privacyObject: 'S’opposer',
  privacyObjectTitle: 'Vous opposer à cette utilisation ?',
  privacyObjectText:
    'Cette utilisation n’a pas besoin de votre accord ; elle repose sur un intérêt légitime. Si vous vous y opposez, {operator} y met fin aussitôt pour {partner}.',
  privacyInterest: 'utilisé sans accord, sur la base d’un intérêt légitime',
  privacyUses: 'Utilisé sans vous demander',
  privacyBasis: 'Sur quelle base',
  privacyContract: 'nécessaire à un contrat ou à un service que vous utilisez',
  privacyCalls: '{count}×, la dernière fois le {time}',
  privacyLift: 'Lever l’opposition',
  privacyLiftTitle: 'Lever cette opposition ?',
  privacyLiftText:
    '{partner} pourra de nouveau utiliser ces données, sur la base de son intérêt légitime.',
  privacyKeep: 'Garder',
  privacyWithdrawnDone: 'Retiré. En vigueur depuis {time}.',
  privacyObjectedDone: 'Votre opposition est enregistrée. En vigueur depuis {time}.',
  privacyDownload: 'Télécharger mes données',
  privacySignedOutTitle: 'Vous êtes déconnecté',
  privacyEnded:
    'Vous avez été déconnecté parce qu’il ne s’est rien passé pendant un moment. Veuillez montrer de nouveau que le numéro est le vôtre.',
  statePENDING: 'pas encore demandé',
  stateREQUESTED: 'demandé, sans réponse',
  stateGRANTED: 'autorisé',
  stateDENIED: 'refusé',
  stateWITHDRAWN: 'retiré',
  stateEXPIRED: 'expiré',
  stateOBJECTED: 'opposition',
}

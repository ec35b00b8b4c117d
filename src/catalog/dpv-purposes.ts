/**
 * The purposes of the Data Privacy Vocabulary 2.0 (W3C) that an order or a token may name: those of TMF931.
 */
const names = [
  'AcademicResearch',
  'AccountManagement',
  'Advertising',
  'AgeVerification',
  'CombatClimateChange',
  'CommercialPurpose',
  'CommercialResearch',
  'CommunicationForCustomerCare',
  'CommunicationManagement',
  'CounterMoneyLaundering',
  'Counterterrorism',
  'CreditChecking',
  'CustomerCare',
  'CustomerClaimsManagement',
  'CustomerManagement',
  'CustomerOrderManagement',
  'CustomerRelationshipManagement',
  'CustomerSolvencyMonitoring',
  'DataAltruism',
  'DeliveryOfGoods',
  'DirectMarketing',
  'DisputeManagement',
  'EnforceAccessControl',
  'EnforceSecurity',
  'EstablishContractualAgreement',
  'FraudPreventionAndDetection',
  'FulfilmentOfContractualObligation',
  'FulfilmentOfObligation',
  'HumanResourceManagement',
  'IdentityAuthentication',
  'IdentityVerification',
  'ImproveExistingProductsAndServices',
  'ImproveHealthcare',
  'ImproveInternalCRMProcesses',
  'ImprovePublicServices',
  'ImproveTransportMobility',
  'IncreaseServiceRobustness',
  'InternalResourceOptimisation',
  'LegalCompliance',
  'MaintainCreditCheckingDatabase',
  'MaintainCreditRatingDatabase',
  'MaintainFraudDatabase',
  'Marketing',
  'MemberPartnerManagement',
  'MisusePreventionAndDetection',
  'NonCommercialPurpose',
  'NonCommercialResearch',
  'OptimisationForConsumer',
  'OptimisationForController',
  'OptimiseUserInterface',
  'OrganisationComplianceManagement',
  'OrganisationGovernance',
  'OrganisationRiskManagement',
  'PaymentManagement',
  'Personalisation',
  'PersonalisedAdvertising',
  'PersonalisedBenefits',
  'PersonnelHiring',
  'PersonnelManagement',
  'PersonnelPayment',
  'ProtectionOfIPR',
  'ProtectionOfNationalSecurity',
  'ProtectionOfPublicSecurity',
  'ProvideEventRecommendations',
  'ProvideOfficialStatistics',
  'ProvidePersonalisedRecommendations',
  'ProvideProductRecommendations',
  'PublicBenefit',
  'PublicPolicyMaking',
  'PublicRelations',
  'RecordManagement',
  'RepairImpairments',
  'RequestedServiceProvision',
  'ResearchAndDevelopment',
  'RightsFulfillment',
  'ScientificResearch',
  'SearchFunctionalities',
  'SellDataToThirdParties',
  'SellInsightsFromData',
  'SellProducts',
  'SellProductsToDataSubject',
  'ServiceOptimisation',
  'ServicePersonalisation',
  'ServiceProvision',
  'ServiceRegistration',
  'ServiceUsageAnalytics',
  'SocialMediaMarketing',
  'TargetedAdvertising',
  'TechnicalServiceProvision',
  'UserInterfacePersonalisation',
  'VendorManagement',
  'VendorPayment',
  'VendorRecordsManagement',
  'VendorSelectionAssessment',
  'Verification',
] as const

/** Written as scopes name them: `dpv:FraudPreventionAndDetection`. @public */
export const dpvPurposes: readonly string[] = names.map((name) => `dpv:${name}`)

const known: ReadonlySet<string> = new Set(dpvPurposes)

/** @public */
export const isDpvPurpose = (text: string): boolean => known.has(text)

/** `Fraud prevention and detection`, of `dpv:FraudPreventionAndDetection`. @public */
export function purposeTitle(purpose: string): string {
  const words = purpose
    .replace(/^dpv:/, '')
    .replaceAll(/([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3 $2$4')
    .split(' ')
  const lower = words.map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))
  const text = lower.join(' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

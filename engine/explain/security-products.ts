/**
 * Program files of security products. A block filter that names one silences it: a known way to blind a product without stopping it
 * (MITRE ATT&CK T1562, Impair Defenses).
 */
export const SECURITY_PRODUCTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'Microsoft Defender': 'msmpeng nissrv mpdefendercoreservice mpcmdrun',
    'Microsoft Defender for Endpoint': 'mssense sensecncproxy senseir sensendr sensesampleuploader sensetvm',
    'CrowdStrike Falcon': 'csfalconservice csfalconcontainer',
    SentinelOne:
      'sentinelagent sentinelagentworker sentinelservicehost sentinelstaticengine sentinelstaticenginescanner sentinelhelperservice',
    'VMware Carbon Black': 'cb cbcomms repmgr reputils repux repwsc carbonblack',
    'Cylance / Arctic Wolf': 'cylancesvc cylanceui cyoptics cyupdate',
    'Elastic Endpoint': 'elastic-agent elastic-endpoint winlogbeat filebeat',
    'Palo Alto Cortex XDR': 'cyserver cyveraservice traps cortexxdr cytray tlaservice',
    'Trend Micro': 'ntrtscan tmccsf tmlisten tmbmsrv coreserviceshell ccsf tmwscsvc cetasvc wsccommunicator endpointbasecamp',
    ESET: 'ekrn egui eraagent eelclnt eeconnector ekrnepfw',
    Kaspersky: 'avp avpui avpsus klnagent kavfs kavfswp',
    Bitdefender: 'bdservicehost vsserv epsecurityservice epprotectedservice bdagent bdredline',
    Sophos: 'savservice sophosfs sophosfilescanner sophoshealth sophosntpservice sedservice mcsagent mcsclient sophosui hmpalert',
    'Trellix / McAfee': 'mcshield mfemms mfetp mfefire masvc macmnsvc xagt mfewc',
    'Broadcom Symantec': 'ccsvchst sepmasterservice smc rtvscan sepwscsvc64',
    'Avast / AVG': 'avastsvc avastui avgsvc avgui aswidsagent',
    Malwarebytes: 'mbamservice mbamtray mbendpointagent',
    'Fortinet FortiEDR': 'fortiedr fortiedrcollectorservice fortiesnac fctsvc fmon',
    Cybereason: 'cybereasonav crsdll minionhost cractiveconsole crsvc',
    Qualys: 'qualysagent',
    Tanium: 'taniumclient taniumcx taniumdetectengine',
    'Cisco Secure Endpoint': 'sfc iptray',
    Harfanglab: 'hurukai',
    Wazuh: 'wazuh-agent ossec-agent',
    'Splunk Universal Forwarder': 'splunkd',
    Sysmon: 'sysmon sysmon64',
    Osquery: 'osqueryd',
    'F-Secure / WithSecure': 'fshoster32 fshoster64 fsorsp64',
    WatchGuard: 'psanhost pangps psuaservice',
  }).flatMap(([product, names]) => names.split(' ').map(name => [`${name}.exe`, product] as const)),
);

/** Windows' own programs, some of which have the same name (`sfc.exe`); no product above lives there. */
const WINDOWS = /\\windows\\(system32|syswow64)\\[^\\]+$/;

/** The product that a program path belongs to. */
export const securityProduct = (path: string): string | undefined =>
  WINDOWS.test(path.toLowerCase()) ? undefined : SECURITY_PRODUCTS.get(path.toLowerCase().split(/[\\/]/).at(-1) ?? '');

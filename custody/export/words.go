package export

import "strings"

// labels are what the pages call things: the values by their paths, and everything
// else by the names that it has in the API and in retention rules. A test goes
// through the schema and names what is missing.
var labels = map[string]Words{
	// Values of a customer.
	"given_name": {"Vorname", "First name"}, "family_name": {"Nachname", "Family name"}, "date_of_birth": {"Geburtsdatum", "Date of birth"},
	"address.street": {"Straße und Hausnummer", "Street and number"}, "address.supplement": {"Adresszusatz", "Address supplement"},
	"address.postal_code": {"Postleitzahl", "Postal code"}, "address.locality": {"Ort", "Town"}, "address.country": {"Land", "Country"},
	"iban": {"IBAN", "IBAN"}, "bic": {"BIC", "BIC"}, "email": {"E-Mail-Adresse", "E-mail address"},
	"phone_password":       {"Telefonisches Kundenkennwort (nur als Prüfwert gespeichert)", "Telephone password (kept only as a hash)"},
	"online_banking_login": {"Anmeldename im Online-Banking", "Online-banking login"},

	// Values of artefacts.
	"label":             {"Ihre Bezeichnung", "Your name for it"},
	"bike.frame_number": {"Rahmennummer", "Frame number"}, "bike.manufacturer": {"Hersteller", "Manufacturer"}, "bike.model": {"Modell", "Model"},
	"bike.type": {"Art", "Type"}, "bike.colour": {"Farbe", "Colour"}, "bike.sticker_number": {"Nummer der Codierung", "Security sticker number"},
	"bike.purchase.date": {"Kaufdatum", "Date of purchase"}, "bike.purchase.amount": {"Kaufpreis", "Price"}, "bike.purchase.currency": {"Währung", "Currency"},
	"sim_card.iccid": {"Kartennummer (ICCID)", "Card number (ICCID)"}, "sim_card.msisdn": {"Rufnummer", "Telephone number"},
	"sim_card.network_operator": {"Netzbetreiber", "Network operator"}, "sim_card.pin": {"PIN", "PIN"}, "sim_card.pin2": {"PIN2", "PIN2"},
	"sim_card.puk": {"PUK", "PUK"}, "sim_card.puk2": {"PUK2", "PUK2"},
	"payment_card.pan": {"Kartennummer", "Card number"}, "payment_card.holder": {"Karteninhaber", "Card holder"}, "payment_card.expiry": {"Gültig bis", "Valid through"},
	"payment_card.scheme": {"Kartensystem", "Scheme"}, "payment_card.issuer": {"Herausgeber", "Issuer"},
	"payment_card.card_verification_code": {"Prüfziffer", "Verification code"},
	"device.type":                         {"Art", "Type"}, "device.manufacturer": {"Hersteller", "Manufacturer"}, "device.model": {"Modell", "Model"},
	"device.serial_number": {"Seriennummer", "Serial number"}, "device.imei": {"IMEI", "IMEI"}, "device.purchase.date": {"Kaufdatum", "Date of purchase"},
	"device.purchase.amount": {"Kaufpreis", "Price"}, "device.purchase.currency": {"Währung", "Currency"},
	"device.insurance_policy_number": {"Nummer des Versicherungsscheins", "Insurance policy number"}, "device.insured_before": {"Zuvor anderweitig versichert", "Insured elsewhere before"},
	"document.type": {"Art", "Type"}, "document.number": {"Nummer", "Number"}, "document.issuer": {"Aussteller", "Issuer"}, "document.issuer_country": {"Ausstellendes Land", "Issuing country"},
	"document.issue_date": {"Ausgestellt am", "Date of issue"}, "document.expiry_date": {"Gültig bis", "Valid through"},
	"document.identification_only":    {"Nur zur Identifizierung", "Taken only to identify"},
	"document.purpose_fulfilled_date": {"Identifiziert am", "Identified on"},

	// Kinds, services, and the values that can be chosen.
	"bike": {"Fahrrad", "Bike"}, "sim_card": {"SIM-Karte", "SIM card"}, "payment_card": {"Zahlungskarte", "Payment card"}, "device": {"Gerät", "Device"}, "document": {"Dokument", "Document"},
	"SERVICE_BIKE_PROTECTION": {"Fahrrad-Schutz", "Bike protection"}, "SERVICE_SIM_CARD_PROTECTION": {"Handykartenschutz", "SIM card protection"},
	"SERVICE_PAYMENT_CARD_PROTECTION": {"Schutz für alle Zahlungskarten", "Protection for all payment cards"},
	"SERVICE_DEVICE_INSURANCE":        {"Geräteversicherung", "Device insurance"}, "SERVICE_DOCUMENT_PROTECTION": {"Dokumentenschutz", "Document protection"},
	"SCHEME_GIROCARD": {"girocard", "girocard"}, "SCHEME_VISA": {"Visa", "Visa"}, "SCHEME_MASTERCARD": {"Mastercard", "Mastercard"},
	"SCHEME_AMERICAN_EXPRESS": {"American Express", "American Express"}, "SCHEME_DINERS_CLUB": {"Diners Club", "Diners Club"}, "SCHEME_JCB": {"JCB", "JCB"},
	"SCHEME_UNIONPAY": {"UnionPay", "UnionPay"}, "SCHEME_MAESTRO": {"Maestro", "Maestro"}, "SCHEME_OTHER": {"anderes", "other"},
	"TYPE_PHONE": {"Telefon", "telephone"}, "TYPE_TABLET": {"Tablet", "tablet"}, "TYPE_COMPUTER": {"Computer", "computer"}, "TYPE_CAMERA": {"Kamera", "camera"},
	"TYPE_WATCH": {"Uhr", "watch"}, "TYPE_TELEVISION": {"Fernseher", "television set"}, "TYPE_APPLIANCE": {"Haushaltsgerät", "household appliance"}, "TYPE_OTHER": {"sonstige", "other"},
	"TYPE_IDENTITY_CARD": {"Personalausweis", "identity card"}, "TYPE_PASSPORT": {"Reisepass", "passport"}, "TYPE_DRIVING_LICENCE": {"Führerschein", "driving licence"},
	"TYPE_INSURANCE_POLICY": {"Versicherungsschein", "insurance policy"}, "true": {"ja", "yes"}, "false": {"nein", "no"},

	// Classes of data, and the words of their rules.
	"customer": {"Angaben zu Ihrer Person", "Who you are"}, "secrets": {"Geheimnisse (PIN, PUK, Kartennummern, Kennwörter)", "Secrets (PINs, PUKs, card numbers, passwords)"},
	"artefacts": {"Registrierte Gegenstände mit ihren Dateien", "What is registered, with its files"}, "identity-copies": {"Ausweiskopien zur Identifizierung", "Copies of documents taken to identify"},
	"disclosures":  {"Nachweise über Weitergaben", "Records of what was passed on"},
	"contract-end": {"Vertragsende", "end of the contract"}, "created": {"Entstehung", "creation"}, "purpose-fulfilled": {"Erfüllung des Zwecks", "fulfilment of the purpose"},
	"exact": {"taggenau", "to the day"}, "end-of-year": {"bis Jahresende", "to the end of the year"}, "end-of-next-year": {"bis Ende des Folgejahres", "to the end of the next year"},

	// What data was passed on for, what stands against erasing it, who looked.
	"access": {"Auskunft (Art. 15 DSGVO)", "Access (Art. 15 GDPR)"}, "portability": {"Datenübertragung (Art. 20 DSGVO)", "Portability (Art. 20 GDPR)"},
	"PURPOSE_ACCESS": {"Auskunft an Sie", "access by you"}, "PURPOSE_PORTABILITY": {"Datenübertragung an Sie", "portability to you"},
	"PURPOSE_RECTIFICATION_NOTICE": {"Mitteilung einer Berichtigung", "notice of a rectification"}, "PURPOSE_BLOCK": {"Sperrung", "blocking"},
	"PURPOSE_REPLACEMENT": {"Ersatz", "replacement"}, "PURPOSE_CLAIM": {"Schadenmeldung an die Versicherung", "claim to an insurer"},
	"PURPOSE_POLICE_REPORT": {"Anzeige bei der Polizei", "report to the police"}, "PURPOSE_DOCUMENT_COPY": {"Versand von Dokumentenkopien", "copies of documents"},
	"PURPOSE_LEGAL_OBLIGATION": {"gesetzliche Pflicht", "legal obligation"}, "PURPOSE_LEGAL_CLAIM": {"Rechtsansprüche", "legal claims"},
	"GROUND_ACCURACY_CONTESTED": {"Richtigkeit wird geprüft", "accuracy is being verified"}, "GROUND_UNLAWFUL": {"Verarbeitung unrechtmäßig", "processing is unlawful"},
	"GROUND_NEEDED_FOR_CLAIMS": {"von Ihnen für Rechtsansprüche benötigt", "needed by you for legal claims"}, "GROUND_OBJECTION": {"Widerspruch wird geprüft", "an objection is being weighed"},
	"KIND_LEGAL_CLAIM": {"Rechtsstreit", "legal claim"}, "KIND_TITLED_CLAIM": {"titulierter Anspruch", "claim with a title"}, "KIND_OFFICIAL_ORDER": {"behördliche Anordnung", "official order"},
	"active": {"läuft", "runs"}, "terminating": {"gekündigt", "is going to end"}, "ended": {"beendet", "has ended"},
	"read": {"gelesen", "read"}, "reveal": {"im Klartext ausgegeben", "given out in clear"}, "write": {"geändert", "changed"},
	"irrevocable": {"endgültig geändert oder entfernt", "changed or removed for good"}, "verify": {"geprüft", "verified"}, "other": {"durch den Dienst bearbeitet", "done by the service"},
	"portal": {"Online-Portal Ihrer Bank", "your bank's portal"}, "core-banking": {"Kernbanksystem", "core banking system"}, "hotline": {"Hotline", "hotline"},
	"loss-partner": {"Partner für Verlustmeldungen", "partner for loss reports"}, "fulfilment": {"ausführender Dienstleister", "fulfilment partner"},
	"privacy-officer": {"Datenschutz", "privacy officer"}, "operator": {"Betrieb", "operator"},
}

// Purposes are what the data of the services is processed for, by the contract with
// the customer.
func Purposes(services []string) []Purpose {
	out := []Purpose{}
	for _, service := range services {
		out = append(out, Purpose{Service: service, Basis: "Art. 6(1)(b) GDPR", Words: uses[service]})
	}
	return out
}

// uses are what the data of each service is for.
var uses = map[string]Words{
	"SERVICE_BIKE_PROTECTION":         {"Gefundene Fahrräder ihren Eigentümern zuordnen; Angaben für Polizei und Versicherung bereithalten", "Match found bikes to their owners; have at hand what police and insurers need"},
	"SERVICE_SIM_CARD_PROTECTION":     {"Verlorene SIM-Karten sperren, ersetzen und entsperren", "Block, replace and unlock lost SIM cards"},
	"SERVICE_PAYMENT_CARD_PROTECTION": {"Verlorene Zahlungskarten sperren und ersetzen", "Block and replace lost payment cards"},
	"SERVICE_DEVICE_INSURANCE":        {"Schäden an versicherten Geräten der Versicherung melden", "Make claims to the insurer of devices"},
	"SERVICE_DOCUMENT_PROTECTION":     {"Kopien von Dokumenten auf Ihren Wunsch versenden", "Send copies of documents where you want them"},
}

// Sources are where all data is from: Art. 15(1)(g) GDPR.
func Sources() []Words {
	return []Words{
		{"Von Ihnen selbst, über das Portal Ihrer Bank oder die Hotline", "From you, through your bank's portal or the hotline"},
		{"Von Ihrer Bank (Kundennummer, Angaben zur Person und zum Vertrag)", "From your bank (customer number, who you are, and the contract)"},
	}
}

// language is a language of the pages.
type language int

// The languages.
const (
	german language = iota
	english
)

func (l language) of(w Words) string {
	if l == german {
		return w.German
	}
	return w.English
}

// word is what a page calls something. What it has no word for it shows as it is:
// better a technical name than a hole.
func (l language) word(name string) string {
	if w, ok := labels[name]; ok {
		return l.of(w)
	}
	if class, kind, two := strings.Cut(name, "."); two && labels[class] != (Words{}) && labels[kind] != (Words{}) {
		return l.word(class) + ": " + l.word(kind)
	}
	return name
}

package format

// rules are what a format is made of.
type rules struct {
	// normalise gets the value without surrounding white space.
	normalise func(string) string
	// check gets the normalised value, whose characters are sound.
	check func(string) *Problem
	// floor is the most open mask that the format may ever be shown with.
	floor Mask
}

// rules finds what belongs to f. A switch, because a map would be state that
// somebody could change.
func (f Format) rules() (rules, bool) {
	switch f {
	case IBAN:
		return rules{compactUpper, checkIBAN, MaskNone}, true
	case BIC:
		return rules{compactUpper, checkBIC, MaskNone}, true
	case PAN:
		return rules{compact, checkPAN, MaskFirstSixLastFour}, true
	case CardExpiry:
		return rules{normaliseExpiry, checkExpiry, MaskNone}, true
	case CardVerificationCode:
		return rules{compact, checkVerificationCode, MaskAll}, true
	case ICCID:
		return rules{normaliseICCID, checkICCID, MaskNone}, true
	case IMEI:
		return rules{normaliseIMEI, checkIMEI, MaskNone}, true
	case MSISDN:
		return rules{normaliseMSISDN, checkMSISDN, MaskNone}, true
	case PIN:
		return rules{compact, checkPIN, MaskAll}, true
	case PUK:
		return rules{compact, checkPUK, MaskAll}, true
	case PhonePassword:
		return rules{normalisePhonePassword, checkPhonePassword, MaskAll}, true
	case Date:
		return rules{normaliseDate, checkDate, MaskNone}, true
	case PostalCode:
		return rules{normalisePostalCode, checkPostalCode, MaskNone}, true
	case Country:
		return rules{upper, checkCountry, MaskNone}, true
	case Name:
		return rules{line, checkName, MaskNone}, true
	case Text:
		return rules{line, checkText, MaskNone}, true
	case Email:
		return rules{normaliseEmail, checkEmail, MaskNone}, true
	case Serial:
		return rules{normaliseNumber, checkSerial, MaskNone}, true
	case FrameNumber:
		return rules{normaliseNumber, checkFrameNumber, MaskNone}, true
	case Sticker:
		return rules{normaliseNumber, checkSticker, MaskNone}, true
	case DocumentNumber:
		return rules{normaliseNumber, checkDocumentNumber, MaskNone}, true
	case Amount:
		return rules{normaliseAmount, checkAmount, MaskNone}, true
	case Currency:
		return rules{upper, checkCurrency, MaskNone}, true
	case Filename:
		return rules{line, checkFilename, MaskNone}, true
	case Reason:
		return rules{line, checkReason, MaskNone}, true
	case Login:
		return rules{line, checkLogin, MaskAll}, true
	}
	return rules{}, false
}

package format

// luhnValid tells whether the last of the digits is the check digit of those
// before it by the Luhn formula (ISO/IEC 7812-1 annex B). It finds every single
// wrong digit and every transposition of neighbours but 09 and 90.
func luhnValid(digits string) bool {
	last := len(digits) - 1
	return last > 0 && digits[last] == luhnDigit(digits[:last])
}

// luhnDigit is the check digit that belongs after the digits.
func luhnDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return byte('0' + (10-sum%10)%10)
}

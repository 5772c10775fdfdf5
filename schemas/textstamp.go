package schemas

// stampLength is the length of "2026-03-04T15:21:10.001Z".
const stampLength = 24

// exactMillis reads an instant in exactly the form the vendors print: four-digit
// year, milliseconds, Z. Every other spelling of an instant is refused, since it
// would come back as another text.
func exactMillis(s []byte) (int64, bool) {
	if len(s) != stampLength || s[4] != '-' || s[7] != '-' || s[10] != 'T' ||
		s[13] != ':' || s[16] != ':' || s[19] != '.' || s[23] != 'Z' {
		return 0, false
	}
	year, ok1 := number(s[0:4])
	month, ok2 := number(s[5:7])
	day, ok3 := number(s[8:10])
	hour, ok4 := number(s[11:13])
	minute, ok5 := number(s[14:16])
	second, ok6 := number(s[17:19])
	milli, ok7 := number(s[20:23])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) {
		return 0, false
	}
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	seconds := int64(((daysSinceEpoch(year, month, day)*24+hour)*60+minute)*60 + second)
	return seconds*1000 + int64(milli), true
}

func number(digits []byte) (int, bool) {
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// daysSinceEpoch counts days from 1970-01-01 in the Gregorian calendar, year 1 to
// 9999. March is taken as the first month, so that a leap day ends the year.
func daysSinceEpoch(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return year*365 + year/4 - year/100 + year/400 + dayOfYear - 719468
}

// The instants that exactMillis can have read: years 1 to 9999.
const (
	minMillis = -62135596800000
	maxMillis = 253402300799999
)

package schemas

// stampLength is the length of "2026-03-04T15:21:10.001Z".
const stampLength = 24

// exactStamp reads an instant, or a day, in exactly the form that its field's type
// prints: ms since 1970-01-01 UTC, or days.
func exactStamp(t FieldType, s []byte) (int64, bool) {
	switch t {
	case TypeSeconds:
		if len(s) != len(layoutSeconds) || s[10] != 'T' || s[19] != 'Z' {
			return 0, false
		}
		return exactSeconds(s)
	case TypeSpaced:
		if len(s) != len(layoutSpaced) || s[10] != ' ' {
			return 0, false
		}
		return exactSeconds(s)
	case TypeDay:
		if len(s) != len(layoutDay) {
			return 0, false
		}
		days, ok := exactDay(s)
		return int64(days), ok
	default:
		return exactMillis(s)
	}
}

// exactMillis reads an instant in exactly the form the vendors print: four-digit
// year, milliseconds, Z. Every other spelling of an instant is refused, since it
// would come back as another text.
func exactMillis(s []byte) (int64, bool) {
	if len(s) != stampLength || s[10] != 'T' || s[19] != '.' || s[23] != 'Z' {
		return 0, false
	}
	ms, ok1 := exactSeconds(s)
	milli, ok2 := number(s[20:23])
	return ms + int64(milli), ok1 && ok2
}

// exactSeconds reads the day and the time, to the second, that s begins with.
func exactSeconds(s []byte) (ms int64, ok bool) {
	if s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	days, ok1 := exactDay(s)
	hour, ok2 := number(s[11:13])
	minute, ok3 := number(s[14:16])
	second, ok4 := number(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return int64(((days*24+hour)*60+minute)*60+second) * 1000, true
}

// exactDay reads the day that s begins with, as days since 1970-01-01.
func exactDay(s []byte) (days int, ok bool) {
	if s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	year, ok1 := number(s[0:4])
	month, ok2 := number(s[5:7])
	day, ok3 := number(s[8:10])
	if !(ok1 && ok2 && ok3) || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return daysSinceEpoch(year, month, day), true
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

	dayMillis = 24 * 60 * 60 * 1000
)

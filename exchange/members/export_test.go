package members

// Words gives the word tables.
func Words() (zh, en []string) { return wordsZh, wordsEn }

# Counts whatever comes: lines, words, and the word that comes most often.
# A filter as awk programs have always been; it knows nothing of functions. A
# caller behind the API gateway gets its output as text/plain.
{
	words += NF
	for (i = 1; i <= NF; i++)
		if (++seen[$i] > most || (seen[$i] == most && $i < top)) {
			most = seen[$i]
			top = $i
		}
}

END {
	print NR " lines, " words + 0 " words"
	if (most)
		print "most often: " top " (" most " times)"
}

// Declarations only: the library is opened at run time, by CImageShims.
#include <libheif/heif.h>
